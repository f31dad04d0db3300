package config

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Print writes the effective configuration as YAML: defaults filled in,
// paths absolute, secrets masked. Settings that are not in use are left out.
// With its secrets put back it loads as the same configuration.
func (c *Config) Print(w io.Writer) error {
	b := bufio.NewWriter(w)
	printObject(b, reflect.ValueOf(c).Elem(), "", "")
	if err := b.Flush(); err != nil {
		return fmt.Errorf("print the configuration: %w", err)
	}
	return nil
}

// printObject writes the settings of v, the first line after lead and the
// others after indent. The writer keeps its own error.
func printObject(w *bufio.Writer, v reflect.Value, lead, indent string) {
	for _, s := range settings(v.Type()) {
		f := v.FieldByIndex(s.Index)
		if !inUse(v, s, f) {
			continue
		}
		switch {
		case isObject(f.Type()):
			fmt.Fprintf(w, "%s%s:\n", lead, s.name)
			printObject(w, f, indent+"  ", indent+"  ")
		case isList(f.Type()) && f.Len() == 0:
			fmt.Fprintf(w, "%s%s: []\n", lead, s.name)
		case isList(f.Type()):
			fmt.Fprintf(w, "%s%s:\n", lead, s.name)
			for _, item := range f.Seq2() {
				if isObject(item.Type()) {
					printObject(w, item, indent+"  - ", indent+"    ")
				} else {
					fmt.Fprintf(w, "%s  - %s\n", indent, scalarYAML(textOf(item)))
				}
			}
		case f.Type() == reflect.TypeFor[FieldValues]():
			fmt.Fprintf(w, "%s%s:\n", lead, s.name)
			printFieldValues(w, f.Interface().(FieldValues), indent+"  ")
		case f.Kind() == reflect.Bool, f.Type() == reflect.TypeFor[int]():
			fmt.Fprintf(w, "%s%s: %v\n", lead, s.name, f.Interface())
		default:
			fmt.Fprintf(w, "%s%s: %s\n", lead, s.name, scalarYAML(textOf(f)))
		}
		lead = indent
	}
}

func printFieldValues(w *bufio.Writer, values FieldValues, indent string) {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		texts, key := values[name], name // which has no variables
		if !plainScalar.MatchString(key) {
			key = strconv.Quote(key)
		}
		if len(texts) == 1 {
			fmt.Fprintf(w, "%s%s: %s\n", indent, key, scalarYAML(texts[0]))
			continue
		}
		fmt.Fprintf(w, "%s%s:\n", indent, key)
		for _, text := range texts {
			fmt.Fprintf(w, "%s  - %s\n", indent, scalarYAML(text))
		}
	}
}

// inUse reports whether a setting says something: a secret that was read
// from a file does not, because the file's setting does.
func inUse(holder reflect.Value, s setting, f reflect.Value) bool {
	if _, secret := f.Interface().(Secret); secret {
		if file := holder.FieldByName(s.Name + "File"); file.IsValid() && !file.IsZero() {
			return false
		}
	}
	_, hasDefault := s.Tag.Lookup("default")
	return hasDefault || isObject(f.Type()) || isList(f.Type()) || !f.IsZero()
}

// textOf gives a value as setText reads it, a secret as its mask.
func textOf(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case time.Duration:
		return lengthText(x)
	case slog.Level:
		return strings.ToLower(x.String())
	case fmt.Stringer: // Secret, Size, Start, MailboxURL, Fingerprint, Proxy
		return x.String()
	}
	return v.String()
}

// plainScalar matches texts that YAML reads as themselves: names, paths and
// URLs, and numbers with a unit.
var plainScalar = regexp.MustCompile(`^([A-Za-z/][A-Za-z0-9_/.@%+-]*(:[A-Za-z0-9_/.@%+-]+)*|([0-9]+[dhmsKMGTiB]+)+)$`)

// scalarYAML writes a text so that it is read back as itself: its ${ are no
// variables any more.
func scalarYAML(text string) string {
	text = escape(text)
	switch strings.ToLower(text) {
	case "null", "true", "false", "yes", "no", "on", "off", "y", "n":
		return strconv.Quote(text)
	}
	if plainScalar.MatchString(text) {
		return text
	}
	return strconv.Quote(text)
}
