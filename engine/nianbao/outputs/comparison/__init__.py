"""What a comparison looks like: text, JSON, a page; and charts over the years."""
