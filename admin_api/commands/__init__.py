"""The operator API as commands: the same routes, rules and answers, without a listener."""
