# Run this paragraph to end the stream: what it has received is processed first.
if windows.stop():
{{ when variant = outputs }}    outputs.drain()
    print("The stream has ended.")
