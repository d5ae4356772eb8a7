"""The classification service: `POST /predict`, a list of transactions in, a list of {id, category} out."""
