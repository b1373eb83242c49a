"""Real servers and a real browser, started by the tests that ask for them."""
