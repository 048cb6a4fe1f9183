"""Whether fine maps tell what is true: experiments in which the truth is known."""
