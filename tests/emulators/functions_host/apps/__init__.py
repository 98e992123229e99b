"""Small function apps that the tests run."""
