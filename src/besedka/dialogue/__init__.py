"""The engine of scenarios: pure. What comes in is an event, what goes out are effects; nothing happens in here."""
