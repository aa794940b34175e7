"""LEEA: the limited evaluation evolutionary algorithm of chapter 5 of the thesis."""
