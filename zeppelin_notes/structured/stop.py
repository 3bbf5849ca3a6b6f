# Run this paragraph to end the stream: what it has received is processed first.
if windows.stop():
    print("The stream has ended.")
