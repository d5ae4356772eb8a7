"""scripts/watch: a process that stays, and builds what changed when files arrive."""
