"""What is a fit concept, judged by its words alone; and which class a bank's label means. Pure, shared by all services
that build or edit a bank."""
