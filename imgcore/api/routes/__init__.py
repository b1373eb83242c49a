"""The routes of the REST interface, one section a module; each calls one service method."""
