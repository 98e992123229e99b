"""The SQL subset: lexer, parser, evaluator, planner, executor."""
