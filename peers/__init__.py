"""HAN partners that are not meters: displays that show, ask and forget."""
