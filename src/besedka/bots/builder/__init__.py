"""The pages on which authors build scenarios: forms, a picture, a rehearsal."""
