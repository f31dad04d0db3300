package config

import _ "embed"

//go:embed example.yaml
var example string

// Example returns an annotated configuration with every setting. It loads
// where the files that it names are there.
func Example() []byte { return []byte(example) }
