"""What every part of Seatrial shares: contracts, metric catalogue, errors, clients, alert rules and live figures."""
