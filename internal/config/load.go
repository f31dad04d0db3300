package config

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
)

// maxFile bounds the configuration and every file that it names, in bytes.
const maxFile = 1 << 20

// LoadOptions are the ways out of the process that loading takes. The zero
// value uses the real environment and the real file system.
type LoadOptions struct {
	// Getenv looks an environment variable up; os.LookupEnv when nil.
	Getenv func(name string) (value string, ok bool)
	// ReadFile reads a whole file, absolute or relative to the working
	// directory. When nil, regular reading, refused above 1 MiB.
	ReadFile func(path string) ([]byte, error)
}

// Load reads and checks the configuration file. The error is [Errors] when
// the file's content is at fault.
func Load(path string, opts LoadOptions) (*Config, error) {
	opts = opts.withDefaults()
	data, err := opts.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	return Parse(path, data, opts)
}

// Parse checks the content of a configuration file. Name is the file's path:
// it stands in errors, and relative paths inside the file start from its
// folder. The error is [Errors].
func Parse(name string, data []byte, opts LoadOptions) (*Config, error) {
	opts = opts.withDefaults()
	root, errs := parseYAML(name, data)
	if len(errs) > 0 {
		return nil, errs
	}
	dir, err := filepath.Abs(filepath.Dir(name))
	if err != nil {
		return nil, Errors{{File: name, Line: 1, Column: 1,
			Problem: fmt.Sprintf("the folder of the file is not known: %v", err),
			Remedy:  "the file's absolute path on the command line"}}
	}
	d := newDecoder(name, opts.Getenv)
	config := new(Config)
	d.document(root, reflect.ValueOf(config).Elem())
	if !d.failed[""] {
		c := checker{decoder: d, dir: dir, readFile: opts.ReadFile}
		c.config(config)
	}
	if len(d.errs) > 0 {
		d.errs.sort()
		return nil, d.errs
	}
	return config, nil
}

func (o LoadOptions) withDefaults() LoadOptions {
	if o.Getenv == nil {
		o.Getenv = os.LookupEnv
	}
	if o.ReadFile == nil {
		o.ReadFile = readFile
	}
	return o
}

// readFile reads at most maxFile bytes: a path may name a device or a pipe
// that never ends.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("read %s: larger than 1 MiB", path)
	}
	return data, nil
}
