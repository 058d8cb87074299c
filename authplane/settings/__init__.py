"""Django settings: ``base`` holds what is common, one module per way of running adds the rest."""
