"""Reading and checking labelled image data sets. Pure: files and shared types only, no database, no web framework."""
