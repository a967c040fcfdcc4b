package cli

import (
	"github.com/spf13/cobra"

	"toban/demo"
)

func (e *env) demo() *cobra.Command {
	o := demo.Options{}
	cmd := &cobra.Command{
		Use: "demo", Short: "See an outage ring three phones until somebody has it", Args: cobra.NoArgs,
		Long: `Runs the whole path on this machine with no account anywhere: a small shop, a prober, a toban with a store of its
own, and simulated phones. The shop breaks; Matsu is busy, Take does not answer, Ume presses 1. Then it is repaired.
Nothing leaves this machine, and nothing stays behind.`,
		Example: `  toban demo
  toban demo --lang ja --stay`,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			o.Out, o.Lang = e.out, e.lang
			if o.Program, err = demo.Program(); err != nil {
				return err
			}
			return demo.Run(cmd.Context(), o)
		},
	}
	cmd.Flags().IntVar(&o.Port, "port", 8080, "port of the page with the phones; the next free one when it is taken")
	cmd.Flags().BoolVar(&o.Stay, "stay", false, "go on after the story, until Ctrl-C")
	return cmd
}
