"""Printers turn IR into what engines run: one package or module for each engine."""
