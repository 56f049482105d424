"""AutoGPT's own paths, bodies and error shapes, over the same services as `/api/v1`. `docs/compatibility.md` lists them."""
