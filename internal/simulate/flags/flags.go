// Package flags reads what the stand-ins' command lines hold beyond the types
// that pflag has of its own. An error says what a value should be.
package flags

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
)

// Word is one word that a flag takes, and what it stands for.
type Word[T any] struct {
	Text  string
	Value T
}

// Choice adds a flag that takes one of the words.
func Choice[T comparable](fs *pflag.FlagSet, p *T, name, usage string, words ...Word[T]) {
	fs.Var(choice[T]{p, words}, name, usage)
}

type choice[T comparable] struct {
	p     *T
	words []Word[T]
}

// Set implements [pflag.Value].
func (c choice[T]) Set(text string) error {
	for _, w := range c.words {
		if w.Text == text {
			*c.p = w.Value
			return nil
		}
	}
	return fmt.Errorf("want %s", strings.ReplaceAll(c.Type(), "|", " or "))
}

// String implements [pflag.Value].
func (c choice[T]) String() string {
	for _, w := range c.words {
		if w.Value == *c.p {
			return w.Text
		}
	}
	return ""
}

// Type implements [pflag.Value].
func (c choice[T]) Type() string {
	var texts []string
	for _, w := range c.words {
		texts = append(texts, w.Text)
	}
	return strings.Join(texts, "|")
}

// Int adds a flag that takes a number from low to high.
func Int(fs *pflag.FlagSet, p *int, name string, low, high int, usage string) {
	fs.Var(number{p, low, high}, name, usage)
}

type number struct {
	p         *int
	low, high int
}

// Set implements [pflag.Value].
func (n number) Set(text string) error {
	v, err := strconv.Atoi(text)
	if err != nil || v < n.low || v > n.high {
		return fmt.Errorf("want a number from %d to %d", n.low, n.high)
	}
	*n.p = v
	return nil
}

// String implements [pflag.Value].
func (n number) String() string { return strconv.Itoa(*n.p) }

// Type implements [pflag.Value].
func (n number) Type() string { return "int" }
