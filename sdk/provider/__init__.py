"""A scripted provider that speaks OpenAI's, Anthropic's and Gemini's API, and is as strict as they are. It shares nothing with the gateway."""
