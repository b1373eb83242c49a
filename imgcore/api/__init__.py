"""The server around the screens: who gets in, sign-in, the REST interface and the image routes."""
