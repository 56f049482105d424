"""What every feature of the edge shares: problems, requests, paging, middleware."""
