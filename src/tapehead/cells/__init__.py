"""The recurrent machines: what they learn, how they start, and how they go on."""
