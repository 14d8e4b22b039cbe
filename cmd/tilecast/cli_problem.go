package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tilecast/configs"
)

// knownCommand refuses what cobra took for an argument of the root: a misspelt command.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, c := range cmd.Commands() {
		if !c.Hidden {
			names = append(names, c.Name())
		}
	}
	if near := configs.Nearest(args[0], names); near != "" {
		return fmt.Errorf("unknown command %q, did you mean %q?", args[0], near)
	}
	return fmt.Errorf("unknown command %q; there are %s", args[0], strings.Join(names, ", "))
}

func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s: takes flags only, got %q", cmd.Name(), args[0])
	}
	return nil
}

// flagProblem says in one line what is wrong with a flag, and which one was meant.
func flagProblem(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var missing *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() != "":
		return fmt.Errorf("unknown flag -%s", unknown.GetSpecifiedName())
	case errors.As(err, &unknown):
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		name := unknown.GetSpecifiedName()
		if near := configs.Nearest(name, names); near != "" {
			return fmt.Errorf("unknown flag --%s, did you mean --%s?", name, near)
		}
		return fmt.Errorf("unknown flag --%s (see tilecast %s --help)", name, cmd.Name())
	case errors.As(err, &missing):
		word, _ := pflag.UnquoteUsage(missing.GetFlag())
		return fmt.Errorf("--%s: needs a value: --%s %s", missing.GetFlag().Name, missing.GetFlag().Name, word)
	case errors.As(err, &invalid):
		kinds := map[string]string{"int": "a whole number", "bool": "true or false"}
		return fmt.Errorf("--%s: %q is not %s", invalid.GetFlag().Name, invalid.GetValue(), kinds[invalid.GetFlag().Value.Type()])
	}
	return err
}

// helpCommand is cobra's, but for a misspelt topic.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Explain a command",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return knownCommand(cmd.Root(), args)
			}
			return about.Help()
		},
	}
}
