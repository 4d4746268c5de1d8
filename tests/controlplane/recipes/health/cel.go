package main

import (
	"fmt"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/ext"
)

// expressions are the parts of an entry of healthCheckExprs.
type expressions struct {
	InProgress string `json:"inProgress"`
	Failed     string `json:"failed"`
	Current    string `json:"current"`
}

// askCEL evaluates expressions as Flux does (its RFC 0009): a status of another generation is in progress; then
// inProgress, failed and current, of which the first that is true decides; in progress if none is. The fields of the
// object are the variables.
func askCEL(e expressions, object map[string]any) (answer, error) {
	env, err := cel.NewEnv(
		cel.HomogeneousAggregateLiterals(),
		cel.EagerlyValidateDeclarations(true),
		cel.DefaultUTCTimeZone(true),
		cel.CrossTypeNumericComparisons(true),
		cel.OptionalTypes(),
		ext.Strings(),
		ext.Sets(),
		ext.Encoders(),
	)
	if err != nil {
		return answer{}, err
	}
	if observed, ok := field(object, "status", "observedGeneration"); ok {
		if current, ok := field(object, "metadata", "generation"); ok && observed != current {
			return answer{Status: "InProgress"}, nil
		}
	}
	steps := []struct{ expression, status string }{
		{e.InProgress, "InProgress"}, {e.Failed, "Failed"}, {e.Current, "Current"},
	}
	for _, step := range steps {
		if step.expression == "" {
			continue
		}
		holds, err := evaluate(env, step.expression, object)
		if err != nil {
			return answer{}, fmt.Errorf("%s: %w", step.expression, err)
		}
		if holds {
			return answer{Status: step.status}, nil
		}
	}
	return answer{Status: "InProgress"}, nil
}

func evaluate(env *cel.Env, expression string, object map[string]any) (bool, error) {
	// Not compiled: the types of the fields are not known.
	parsed, issues := env.Parse(expression)
	if issues.Err() != nil {
		return false, issues.Err()
	}
	program, err := env.Program(parsed, cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return false, err
	}
	value, _, err := program.Eval(object)
	if err != nil {
		return false, err
	}
	holds, ok := value.(types.Bool)
	if !ok {
		return false, fmt.Errorf("a %s, not a bool", value.Type())
	}
	return bool(holds), nil
}

func field(object map[string]any, outer, inner string) (int64, bool) {
	parent, _ := object[outer].(map[string]any)
	value, ok := parent[inner].(int64)
	return value, ok
}
