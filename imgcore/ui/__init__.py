"""What the screens share; the only part that knows Streamlit."""
