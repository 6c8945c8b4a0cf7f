"""Modules that programs import by torch's private names; each is known by its public name to the alias only."""
