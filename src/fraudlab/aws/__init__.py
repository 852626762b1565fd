"""What everybody who calls AWS needs: clients, who we are there, its errors as sentences, and our tags."""
