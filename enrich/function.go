package enrich

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/sepwatch/sepwatch/incident"
)

// Function is one call of SEPM with typed input and result (guide §5).
type Function struct {
	incident.FunctionDef
	// Columns are those of the result as a table.
	Columns []string

	call func(ctx context.Context, sepm Manager, in input) iter.Seq2[Item, error]
}

// Item is one part of a function's result, such as a computer.
type Item struct {
	// JSON encodes under the names that SEPM gives its fields; nil where that of
	// an item before has this one in it.
	JSON any
	// Cells are those of the item's line in a table, nil for no line.
	Cells []string
}

// Functions are all functions, in the guide's order.
func Functions() []Function {
	return []Function{getComputers(), getFingerprintList(), getGroups(), getDomains()}
}

// Call calls SEPM with inputs by their names, and gives the result as it
// comes. It ends with the error where there is one: an input that the function
// does not take or cannot read is an [*InputError], everything else SEPM's.
func (f Function) Call(ctx context.Context, sepm Manager, inputs map[string]string) iter.Seq2[Item, error] {
	if err := f.check(inputs); err != nil {
		return failed(err)
	}
	return f.call(ctx, sepm, inputs)
}

// input are the inputs of a function that are not empty, checked.
type input = map[string]string

// InputError is an input that a function cannot work with.
type InputError struct {
	Function, Input, Problem string
}

func (e *InputError) Error() string { return fmt.Sprintf("%s: %s %s", e.Function, e.Input, e.Problem) }

func (f Function) fault(name, problem string) error { return &InputError{f.Name, name, problem} }

// check holds the inputs against the function's definition.
func (f Function) check(inputs map[string]string) error {
	var names []string
	for _, def := range f.Inputs {
		names = append(names, def.Name)
		value := inputs[def.Name]
		if value == "" {
			if def.Required {
				return f.fault(def.Name, "is missing")
			}
			continue
		}
		switch def.Type {
		case incident.InputNumber:
			if _, err := strconv.ParseInt(value, 10, 64); err != nil {
				return f.fault(def.Name, fmt.Sprintf("is %q, which is not a whole number", value))
			}
		case incident.InputBoolean:
			if value != "true" && value != "false" {
				return f.fault(def.Name, fmt.Sprintf("is %q, which is neither true nor false", value))
			}
		case incident.InputSelect:
			if !slices.Contains(def.Values, value) {
				return f.fault(def.Name, fmt.Sprintf("is %q, which is none of %s", value, strings.Join(def.Values, ", ")))
			}
		}
	}
	for name := range inputs {
		if !slices.Contains(names, name) {
			return f.fault(name, "is none of its inputs: "+strings.Join(names, ", "))
		}
	}
	return nil
}

func failed(err error) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) { yield(Item{}, err) }
}

// domainID is the id of a domain that a person may have named: SEPM takes ids
// only (contract: SEPM API A7).
func domainID(ctx context.Context, sepm Manager, domain string) (string, error) {
	if domain == "" {
		return "", nil
	}
	domains, err := sepm.Domains(ctx)
	if err != nil {
		return "", fmt.Errorf("look for the domain %q: %w", domain, err)
	}
	names := make([]string, len(domains))
	for i, d := range domains {
		if strings.EqualFold(d.ID, domain) || d.Name == domain {
			return d.ID, nil
		}
		names[i] = d.Name
	}
	return "", fmt.Errorf("SEPM has no domain %q; it has %s", domain, strings.Join(names, ", "))
}
