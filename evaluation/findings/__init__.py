"""What a study's votes say: plain values from columns of votes, every interval over raters and items."""
