"""Makes what a round trained fit to be given away: the adapter with its card, or a merged model that was compared."""
