from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="RequestWindow",
            fields=[
                ("key", models.CharField(max_length=128, primary_key=True, serialize=False)),
                ("requests", models.PositiveIntegerField()),
                (
                    "ends_at",
                    models.FloatField(
                        help_text="Seconds since 1970; requests count together until then."
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["ends_at"], name="core_reques_ends_at_3e2aa4_idx")
                ],
            },
        ),
    ]
