"""The case study: several turns about one image with what a round trained. The engine itself is never exposed."""
