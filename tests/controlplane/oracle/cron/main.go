// Command cron asks robfig/cron v3, the library by which Kubernetes reads schedules, what it makes of expressions.
//
// It reads one JSON object {expr, zone, after} from each line of standard input, and for each writes one {ok, error,
// ticks} to standard output: whether ParseStandard takes the expression, and the next 20 ticks, fewer where Next finds
// no more. A panic of the library is reported as an error that begins with "panic: ".
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"time"
	_ "time/tzdata" // for hosts without a time zone database

	"github.com/robfig/cron/v3"
)

const ticksWanted = 20

type question struct {
	Expr  string    `json:"expr"`
	Zone  string    `json:"zone"`
	After time.Time `json:"after"`
}

type answer struct {
	OK    bool     `json:"ok"`
	Error string   `json:"error,omitempty"`
	Ticks []string `json:"ticks"`
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
		zone, err := time.LoadLocation(q.Zone)
		if err != nil {
			log.Fatalf("the zone of a question: %v", err)
		}
		if err := out.Encode(ask(q.Expr, q.After.In(zone))); err != nil {
			log.Fatalf("writing an answer: %v", err)
		}
	}
	if err := buffered.Flush(); err != nil {
		log.Fatalf("writing the answers: %v", err)
	}
}

func ask(expr string, after time.Time) (a answer) {
	a.Ticks = []string{}
	defer func() {
		if r := recover(); r != nil {
			a = answer{Error: fmt.Sprintf("panic: %v", r), Ticks: []string{}}
		}
	}()
	schedule, err := cron.ParseStandard(expr)
	if err != nil {
		a.Error = err.Error()
		return a
	}
	a.OK = true
	for tick := after; len(a.Ticks) < ticksWanted; {
		if tick = schedule.Next(tick); tick.IsZero() {
			break
		}
		a.Ticks = append(a.Ticks, tick.UTC().Format(time.RFC3339Nano))
	}
	return a
}
