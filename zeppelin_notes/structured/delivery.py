outputs = note_outputs.Outputs(
    {{ waiting | python }}, keep={{ session | python }} == "persistent", context=spark.sparkContext, check=windows.results.check_note
)
