// What the official Go library sees: a model that thinks for 20 s, and a refusal while it still sends a large body.
package sdk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

const (
	times   = 20
	thinker = "slow/thinker"
	text    = "The light was there all along."
	wrong   = "sk-fairlead-wrong-0123456789abcdef0123456789"
)

func client(key string) openai.Client {
	return openai.NewClient(option.WithBaseURL(os.Getenv("FAIRLEAD_URL")), option.WithAPIKey(key), option.WithMaxRetries(0))
}

func question(model, content string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{Model: model, Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(content)}}
}

func whole() (string, error) {
	caller := client(os.Getenv("FAIRLEAD_KEY"))
	answer, err := caller.Chat.Completions.New(context.Background(), question(thinker, "Hi."))
	if err != nil {
		return "", err
	}
	return answer.Choices[0].Message.Content, nil
}

func streamed() (string, error) {
	caller := client(os.Getenv("FAIRLEAD_KEY"))
	stream := caller.Chat.Completions.NewStreaming(context.Background(), question(thinker, "Hi."))
	var said strings.Builder
	for stream.Next() {
		for _, choice := range stream.Current().Choices {
			said.WriteString(choice.Delta.Content)
		}
	}
	return said.String(), stream.Err()
}

func TestWaitsForAnAnswerThatBeginsLate(t *testing.T) {
	var all sync.WaitGroup
	for name, ask := range map[string]func() (string, error){"whole": whole, "streamed": streamed} {
		for at := range times {
			all.Go(func() {
				if said, err := ask(); err != nil || said != text {
					t.Errorf("%s, %d: %q, %v", name, at, said, err)
				}
			})
		}
	}
	all.Wait()
}

func TestSeesWhyALargeBodyIsRefused(t *testing.T) {
	large := strings.Repeat("a", 5<<20)
	for _, one := range []struct {
		key, path, encoding, code string
		status                    int
	}{
		{wrong, "chat/completions", "", "invalid_key", 401},
		{os.Getenv("FAIRLEAD_KEY"), "nowhere", "", "unknown_path", 404},
		{os.Getenv("FAIRLEAD_KEY"), "chat/completions", "gzip", "unsupported_encoding", 415},
	} {
		for at := range times {
			var options []option.RequestOption
			if one.encoding != "" {
				options = append(options, option.WithHeader("content-encoding", one.encoding))
			}
			body := map[string]any{"model": "chat", "messages": []any{map[string]any{"role": "user", "content": large}}}
			caller := client(one.key)
			err := caller.Post(context.Background(), one.path, body, nil, options...)
			var refusal *openai.Error
			if !errors.As(err, &refusal) || refusal.StatusCode != one.status || refusal.Code != one.code {
				t.Errorf("%d, %d: %v", one.status, at, err)
			}
		}
	}
}

func TestTheStandardLibrarySeesWhyALargeBodyIsRefused(t *testing.T) {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	for name, transport := range map[string]*http.Transport{"HTTP/1.1": {}, "HTTP/2": {Protocols: protocols}} {
		caller := &http.Client{Transport: transport}
		for at := range times {
			answer, err := caller.Post(os.Getenv("FAIRLEAD_URL")+"/chat/completions", "application/json", bytes.NewReader(make([]byte, 5<<20)))
			if err != nil {
				t.Errorf("%s, %d: %v", name, at, err)
				continue
			}
			body, err := io.ReadAll(answer.Body)
			if told := fmt.Sprint(answer.StatusCode, err); told != "401 <nil>" || !bytes.Contains(body, []byte("missing_key")) {
				t.Errorf("%s, %d: %s %s", name, at, told, body)
			}
		}
	}
}
