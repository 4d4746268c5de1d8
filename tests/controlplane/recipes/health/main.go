// Command health asks the interpreters that GitOps tools use what they make of an object: gopher-lua, by which Argo CD
// runs custom health checks, and cel-go, by which Flux evaluates healthCheckExprs.
//
// It reads one JSON object {object, lua} or {object, cel: {inProgress, failed, current}} from each line of standard
// input, and for each writes one {status, message, error} to standard output.
package main

import (
	"bufio"
	"encoding/json"
	"io"
	"log"
	"os"
)

type question struct {
	Object map[string]any `json:"object"`
	Lua    string         `json:"lua"`
	CEL    *expressions   `json:"cel"`
}

type answer struct {
	Status  string `json:"status,omitempty"`
	Message string `json:"message,omitempty"`
	Error   string `json:"error,omitempty"`
}

func main() {
	log.SetFlags(0)
	in := json.NewDecoder(bufio.NewReader(os.Stdin))
	in.UseNumber()
	out := json.NewEncoder(os.Stdout)
	for {
		var q question
		if err := in.Decode(&q); err == io.EOF {
			return
		} else if err != nil {
			log.Fatalf("reading a question: %v", err)
		}
		object := numbers(q.Object).(map[string]any)
		var a answer
		var err error
		if q.CEL != nil {
			a, err = askCEL(*q.CEL, object)
		} else {
			a, err = askLua(q.Lua, object)
		}
		if err != nil {
			a = answer{Error: err.Error()}
		}
		if err := out.Encode(a); err != nil {
			log.Fatalf("writing an answer: %v", err)
		}
	}
}

// numbers turns each number into what Kubernetes clients hold: an int64 if it is whole.
func numbers(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key, item := range v {
			v[key] = numbers(item)
		}
	case []any:
		for i, item := range v {
			v[i] = numbers(item)
		}
	case json.Number:
		if whole, err := v.Int64(); err == nil {
			return whole
		}
		float, err := v.Float64()
		if err != nil {
			log.Fatalf("the number %s: %v", v, err)
		}
		return float
	}
	return value
}
