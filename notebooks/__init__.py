"""The seven systems, to look at: each notebook answers the question that it is named after."""
