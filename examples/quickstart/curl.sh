curl http://127.0.0.1:8080/v1/chat/completions \
  -H 'Authorization: Bearer sk-fairlead-quickstart-0123456789abcdef' \
  -d '{"model": "chat", "messages": [{"role": "user", "content": "Hello"}]}'
