// Command manifest asks the libraries of kubectl what they read from manifests.
//
// It reads one JSON object {text} from each line of standard input, the text in base64, and for each writes one {documents,
// error, objects} to standard output: the documents that YAMLOrJSONDecoder makes of it, up to the first that cannot be read
// and why; and what kubectl makes of each document, {objects, error}: the objects after lists were taken apart.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/yaml"
)

type question struct {
	Text []byte `json:"text"`
}

type answer struct {
	Documents []any       `json:"documents"`
	Error     string      `json:"error,omitempty"`
	Objects   []flattened `json:"objects"`
}

type flattened struct {
	Objects []any  `json:"objects"`
	Error   string `json:"error,omitempty"`
}

func main() {
	log.SetFlags(0)
	in := json.NewDecoder(bufio.NewReader(os.Stdin))
	buffered := bufio.NewWriter(os.Stdout)
	out := json.NewEncoder(buffered)
	for {
		var q question
		if err := in.Decode(&q); err == io.EOF {
			break
		} else if err != nil {
			log.Fatalf("reading a question: %v", err)
		}
		if err := out.Encode(ask(q.Text)); err != nil {
			log.Fatalf("writing an answer: %v", err)
		}
	}
	if err := buffered.Flush(); err != nil {
		log.Fatalf("writing the answers: %v", err)
	}
}

// As the StreamVisitor of cli-runtime reads a file.
func ask(text []byte) (a answer) {
	a.Documents = []any{}
	a.Objects = []flattened{}
	defer func() {
		if r := recover(); r != nil {
			a.Error = fmt.Sprintf("panic: %v", r)
		}
	}()
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
	for {
		ext := runtime.RawExtension{}
		if err := decoder.Decode(&ext); err == io.EOF {
			return a
		} else if err != nil {
			a.Error = err.Error()
			return a
		}
		raw := bytes.TrimSpace(ext.Raw)
		if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
			continue
		}
		var document any
		if err := utiljson.Unmarshal(raw, &document); err != nil {
			a.Error = err.Error()
			return a
		}
		a.Documents = append(a.Documents, document)
		a.Objects = append(a.Objects, flatten(raw))
	}
}

// As the mapper and the FlattenListVisitor of cli-runtime take objects out of lists.
func flatten(raw []byte) flattened {
	result := flattened{Objects: []any{}}
	object, _, err := unstructured.UnstructuredJSONScheme.Decode(raw, nil, nil)
	if err != nil {
		result.Error = err.Error()
		return result
	}
	pending := []runtime.Object{object}
	for i := 0; i < len(pending); i++ {
		if !meta.IsListType(pending[i]) {
			single, ok := pending[i].(*unstructured.Unstructured)
			if !ok {
				return flattened{Objects: []any{}, Error: errors.New("no unstructured object").Error()}
			}
			result.Objects = append(result.Objects, single.Object)
			continue
		}
		items, err := meta.ExtractList(pending[i])
		if err != nil {
			return flattened{Objects: []any{}, Error: err.Error()}
		}
		pending = append(pending, items...)
	}
	return result
}
