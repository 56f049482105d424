from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.block_out_categories_item import BlockOutCategoriesItem
    from ..models.block_out_contributors_item import BlockOutContributorsItem
    from ..models.block_out_costs_item import BlockOutCostsItem
    from ..models.block_out_inputschema import BlockOutInputschema
    from ..models.block_out_outputschema import BlockOutOutputschema


T = TypeVar("T", bound="BlockOut")


@_attrs_define
class BlockOut:
    """A block in AutoGPT's form.

    Attributes:
        id (str):
        name (str):
        description (str):
        categories (list[BlockOutCategoriesItem]):
        input_schema (BlockOutInputschema):
        output_schema (BlockOutOutputschema):
        static_output (bool):
        ui_type (str):
        contributors (list[BlockOutContributorsItem]):
        costs (list[BlockOutCostsItem]):
        lane (str):
        sensitive (bool):
        version (str):
        revision (str):
    """

    id: str
    name: str
    description: str
    categories: list[BlockOutCategoriesItem]
    input_schema: BlockOutInputschema
    output_schema: BlockOutOutputschema
    static_output: bool
    ui_type: str
    contributors: list[BlockOutContributorsItem]
    costs: list[BlockOutCostsItem]
    lane: str
    sensitive: bool
    version: str
    revision: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        name = self.name

        description = self.description

        categories = []
        for categories_item_data in self.categories:
            categories_item = categories_item_data.to_dict()
            categories.append(categories_item)

        input_schema = self.input_schema.to_dict()

        output_schema = self.output_schema.to_dict()

        static_output = self.static_output

        ui_type = self.ui_type

        contributors = []
        for contributors_item_data in self.contributors:
            contributors_item = contributors_item_data.to_dict()
            contributors.append(contributors_item)

        costs = []
        for costs_item_data in self.costs:
            costs_item = costs_item_data.to_dict()
            costs.append(costs_item)

        lane = self.lane

        sensitive = self.sensitive

        version = self.version

        revision = self.revision

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "name": name,
                "description": description,
                "categories": categories,
                "inputSchema": input_schema,
                "outputSchema": output_schema,
                "staticOutput": static_output,
                "uiType": ui_type,
                "contributors": contributors,
                "costs": costs,
                "lane": lane,
                "sensitive": sensitive,
                "version": version,
                "revision": revision,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.block_out_categories_item import BlockOutCategoriesItem
        from ..models.block_out_contributors_item import BlockOutContributorsItem
        from ..models.block_out_costs_item import BlockOutCostsItem
        from ..models.block_out_inputschema import BlockOutInputschema
        from ..models.block_out_outputschema import BlockOutOutputschema

        d = dict(src_dict)
        id = d.pop("id")

        name = d.pop("name")

        description = d.pop("description")

        categories = []
        _categories = d.pop("categories")
        for categories_item_data in _categories:
            categories_item = BlockOutCategoriesItem.from_dict(categories_item_data)

            categories.append(categories_item)

        input_schema = BlockOutInputschema.from_dict(d.pop("inputSchema"))

        output_schema = BlockOutOutputschema.from_dict(d.pop("outputSchema"))

        static_output = d.pop("staticOutput")

        ui_type = d.pop("uiType")

        contributors = []
        _contributors = d.pop("contributors")
        for contributors_item_data in _contributors:
            contributors_item = BlockOutContributorsItem.from_dict(contributors_item_data)

            contributors.append(contributors_item)

        costs = []
        _costs = d.pop("costs")
        for costs_item_data in _costs:
            costs_item = BlockOutCostsItem.from_dict(costs_item_data)

            costs.append(costs_item)

        lane = d.pop("lane")

        sensitive = d.pop("sensitive")

        version = d.pop("version")

        revision = d.pop("revision")

        block_out = cls(
            id=id,
            name=name,
            description=description,
            categories=categories,
            input_schema=input_schema,
            output_schema=output_schema,
            static_output=static_output,
            ui_type=ui_type,
            contributors=contributors,
            costs=costs,
            lane=lane,
            sensitive=sensitive,
            version=version,
            revision=revision,
        )

        block_out.additional_properties = d
        return block_out

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
