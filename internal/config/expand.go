package config

import (
	"fmt"
	"strings"
)

// expand replaces each ${NAME} by the environment variable and each $${ by
// ${. A "$" elsewhere is itself. What a variable holds is not expanded again.
func expand(text string, getenv func(string) (string, bool)) (string, *fault) {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, "${")
		if !found {
			b.WriteString(text)
			return b.String(), nil
		}
		if literal, escaped := strings.CutSuffix(before, "$"); escaped {
			b.WriteString(literal + "${")
			text = after
			continue
		}
		b.WriteString(before)
		name, rest, closed := strings.Cut(after, "}")
		if !closed || !isVariable(name) {
			return "", &fault{`"${" does not begin the name of an environment variable`, "${NAME}, or $${ for the two characters themselves"}
		}
		value, set := getenv(name)
		if !set {
			return "", &fault{fmt.Sprintf("the environment variable %s is not set", name), "its value here, or set it where sepwatch is started"}
		}
		b.WriteString(value)
		text = rest
	}
}

// escape is the inverse of expand for a text without variables.
func escape(text string) string { return strings.ReplaceAll(text, "${", "$${") }

func isVariable(name string) bool {
	for i, r := range name {
		letter := r == '_' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return name != ""
}
