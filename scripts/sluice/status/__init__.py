"""scripts/status: what was published, which alerts stand, what the next build would read. It only reads."""
