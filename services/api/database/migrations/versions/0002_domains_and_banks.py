"""What a data set shows and how its classes are called; how a concept bank was made; which version a job pins."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("datasets", sa.Column("class_names", JSONB(), nullable=False, server_default="[]"))
    op.add_column("datasets", sa.Column("domain", JSONB(), nullable=False, server_default="{}"))
    op.add_column("concept_banks", sa.Column("made", JSONB(), nullable=False, server_default="{}"))
    op.add_column("jobs", sa.Column("concept_bank_version", sa.Integer(), nullable=True))
    for table, column in (("datasets", "class_names"), ("datasets", "domain"), ("concept_banks", "made")):
        op.alter_column(table, column, server_default=None)
