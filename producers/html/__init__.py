"""Lists of ads in HTML pages, by declarative selectors."""
