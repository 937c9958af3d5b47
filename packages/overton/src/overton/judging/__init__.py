"""What judges are asked, and what they say: stance, quality, missing information, topics."""
