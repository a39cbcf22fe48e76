"""`selfsynth datasets ...`: look at a folder of labelled images, register it, build its concept bank."""
